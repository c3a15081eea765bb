import type { Command } from "commander";
import { newCommand } from "./command.ts";
import { buildEvidenceCollect } from "./evidence-collect.ts";
import { buildEvidenceExplain } from "./evidence-explain.ts";
import { buildEvidenceImport } from "./evidence-import.ts";
import { buildEvidenceKeygen } from "./evidence-keygen.ts";
import { buildEvidencePush } from "./evidence-push.ts";
import { buildEvidenceSign } from "./evidence-sign.ts";
import { buildEvidenceVerify } from "./evidence-verify.ts";
import type { CommandIo } from "./io.ts";

export function build(io: CommandIo): Command {
  return newCommand(io, {
    name: "evidence",
    summary: "Make, sign, verify and push evidence bundles.",
    examples: ["plangate evidence import --help"],
  })
    .addCommand(buildEvidenceCollect(io))
    .addCommand(buildEvidenceExplain(io))
    .addCommand(buildEvidenceImport(io))
    .addCommand(buildEvidenceKeygen(io))
    .addCommand(buildEvidencePush(io))
    .addCommand(buildEvidenceSign(io))
    .addCommand(buildEvidenceVerify(io));
}
