import { generateKeyPairSync } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { PlangateError } from "../../core/errors.ts";
import { systemErrorCode } from "../input-files.ts";
import type { SignatureAlgorithm } from "./keys.ts";

export interface KeyPairFiles {
  privateKeyFile: string;
  publicKeyFile: string;
}

/**
 * Writes a new key pair as KID.private.pem (PKCS #8, readable by its owner alone) and KID.public.pem into the directory. Never
 * overwrites a file. Throws PlangateError `unwritable-file`; then nothing new is left.
 */
export async function writeKeyPair(
  directory: string,
  kid: string,
  algorithm: SignatureAlgorithm,
): Promise<KeyPairFiles> {
  const { privateKey, publicKey } =
    algorithm === "ES256"
      ? generateKeyPairSync("ec", { namedCurve: "prime256v1" })
      : generateKeyPairSync("rsa", { modulusLength: 3072 });
  const files = {
    privateKeyFile: path.join(directory, `${kid}.private.pem`),
    publicKeyFile: path.join(directory, `${kid}.public.pem`),
  };
  await refusing(directory, () => mkdir(directory, { recursive: true }));
  await writeNew(files.privateKeyFile, privateKey.export({ type: "pkcs8", format: "pem" }), 0o600);
  try {
    await writeNew(files.publicKeyFile, publicKey.export({ type: "spki", format: "pem" }), 0o644);
  } catch (error) {
    await rm(files.privateKeyFile);
    throw error;
  }
  return files;
}

function writeNew(file: string, content: string | Buffer, mode: number): Promise<void> {
  return refusing(file, () => writeFile(file, content, { flag: "wx", mode }));
}

async function refusing(file: string, write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    const code = systemErrorCode(error);
    const reason =
      code === "EEXIST" ? "is there already, and a key is never overwritten" : `cannot be written (${code})`;
    throw new PlangateError("unwritable-file", `${file}: ${reason}`, { cause: error });
  }
}
