import type { Command } from "commander";
import { buildAuditExport } from "./audit-export.ts";
import { buildAuditVerify } from "./audit-verify.ts";
import { newCommand } from "./command.ts";
import type { CommandIo } from "./io.ts";

export function build(io: CommandIo): Command {
  return newCommand(io, {
    name: "audit",
    summary: "Export the audit record and verify that nobody has changed it.",
    examples: ["plangate audit verify --config plangate.yaml --checkpoints checkpoints.txt --key gate.public.pem"],
  })
    .addCommand(buildAuditExport(io))
    .addCommand(buildAuditVerify(io));
}
