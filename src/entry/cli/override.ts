import type { Command } from "commander";
import { newCommand } from "./command.ts";
import type { CommandIo } from "./io.ts";
import { buildOverrideInspect } from "./override-inspect.ts";
import { buildOverrideKeygen } from "./override-keygen.ts";
import { buildOverrideRequest } from "./override-request.ts";
import { buildOverrideSign } from "./override-sign.ts";

export function build(io: CommandIo): Command {
  return newCommand(io, {
    name: "override",
    summary: "Make and check override tokens: signed, short-lived waivers of named rules for one request.",
    examples: ["plangate override request --decision decision.json"],
  })
    .addCommand(buildOverrideInspect(io))
    .addCommand(buildOverrideKeygen(io))
    .addCommand(buildOverrideRequest(io))
    .addCommand(buildOverrideSign(io));
}
