import { InputError } from "../../src/core/errors.ts";
import { parseDeployRequest } from "../../src/core/request.ts";

const deploy = (more: object) => parseDeployRequest({ service: "orders", environment: "production", ...more });

/** A deploy of a thousand years would be told every public holiday in it. */
test.each(["31d", "721h", "999999d"])("an expected duration of %s is refused", (expectedDuration) => {
  expect(() => deploy({ expectedDuration })).toThrow(InputError);
});

test.each([
  ["30d", 30 * 24 * 3_600_000],
  ["0s", 0],
])("an expected duration of %s is %d ms", (expectedDuration, ms) => {
  expect(deploy({ expectedDuration }).request.expectedDuration).toBe(ms);
});
