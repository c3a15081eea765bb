import { passAudience, passClaimsSchema } from "../../core/pass.ts";
import { tokenForm } from "../tokens/token-form.ts";

/** With 1000 migrations and 200 images it fits into a workload's annotations (256 KiB in all) beside the digests of the migrations. */
const longest = 180_000;

export const passForm = tokenForm("plangate-pass+jwt", passClaimsSchema, {
  longest,
  wording: [
    ["aud", `must be ${passAudience}`],
    ["images", "must be a list of image digests"],
    ["migrations", "must be a list of SHA-256 digests in hex"],
  ],
});
