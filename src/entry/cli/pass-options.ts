import path from "node:path";
import { type Command, Option } from "commander";
import type { GateAnswer } from "../../adapters/gate-client/request-decision.ts";
import { removePassFile, writePassFile } from "../../adapters/passes/pass-file.ts";
import { PlangateError } from "../../core/errors.ts";
import type { DeployRequest } from "../../core/request.ts";
import { formatPass, type PassFormat, passFormats, requirePassForm } from "../../output/pass-file.ts";
import type { CommandIo } from "./io.ts";

export interface PassOptions {
  passFile?: string;
  passFormat?: PassFormat;
}

export function withPassOptions(command: Command): Command {
  return command
    .option("--pass-file <FILE>", "where an approval's pass is written for Kubernetes; no file after a rejection")
    .addOption(
      new Option("--pass-format <FORMAT>", "form of that file (default: annotations)").choices([...passFormats]),
    );
}

/** Where the pass goes once there is one. */
export interface PassDestination {
  /** Before the request is sent: what no file could hold must not be approved first. */
  check(request: DeployRequest): void;
  write(answer: GateAnswer, request: DeployRequest): Promise<void>;
}

/** From here on there is no file, so that whatever fails leaves no pass of an earlier deploy. null: none is wanted. */
export async function openPassFile(
  { passFile, passFormat }: PassOptions,
  { cwd }: CommandIo,
): Promise<PassDestination | null> {
  if (passFile === undefined) {
    if (passFormat === undefined) return null;
    throw new PlangateError("usage", "--pass-format says how the file of --pass-file is written; name that too.");
  }
  const format = passFormat ?? "annotations";
  if (format === "kustomize" && !kustomizationNames.has(path.basename(passFile))) {
    throw new PlangateError(
      "usage",
      "--pass-format kustomize writes a component, which is a directory: name its file, such as --pass-file pass/kustomization.yaml",
    );
  }
  const file = path.resolve(cwd, passFile);
  await removePassFile(file);
  return {
    check: (request) => requirePassForm(request, format),
    async write({ allowed, pass }, request) {
      if (!allowed) return;
      if (pass == null) {
        throw new PlangateError("no-pass", "The gate has approved the request and given no pass. Upgrade the gate.");
      }
      await writePassFile(file, formatPass(pass, request, format));
    },
  };
}

const kustomizationNames = new Set(["kustomization.yaml", "kustomization.yml", "Kustomization"]);
