import { createPublicKey, generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { PlangateError } from "../core/errors.ts";
import {
  algorithmFor,
  fingerprintOf,
  KeyError,
  parsePrivateKey,
  type SignatureAlgorithm,
} from "./evidence-signature/keys.ts";
import { systemErrorCode } from "./input-files.ts";

/** A key that the gate signs with. */
export interface GateKey {
  kid: string;
  algorithm: SignatureAlgorithm;
  privateKey: KeyObject;
  publicKey: KeyObject;
}

export interface GateKeyConfig {
  kid: string;
  privateKeyFile: string;
}

/**
 * The gate's keys, the one that signs first. None configured: the gate's own, keys/gate.private.pem in its data directory, which is made where
 * it is missing (readable by its owner alone), with gate.public.pem beside it. Throws KeyError and PlangateError `unwritable-file`.
 */
export async function loadGateKeys(
  configured: readonly GateKeyConfig[],
  dataDirectory: string,
): Promise<[GateKey, ...GateKey[]]> {
  const [first, ...others] = configured;
  if (first === undefined) return [await ownKey(path.join(dataDirectory, "keys"))];
  return [await configuredKey(first), ...(await Promise.all(others.map(configuredKey)))];
}

async function configuredKey({ kid, privateKeyFile }: GateKeyConfig): Promise<GateKey> {
  return toKey(await readPem(privateKeyFile), privateKeyFile, kid);
}

async function ownKey(directory: string): Promise<GateKey> {
  const privateKeyFile = path.join(directory, "gate.private.pem");
  await refusing(directory, () => mkdir(directory, { recursive: true, mode: 0o700 }));
  if ((await pemOrNull(privateKeyFile)) === null) await refusing(privateKeyFile, () => makeKey(privateKeyFile));
  const key = toKey(await readPem(privateKeyFile), privateKeyFile, null);
  const publicKeyFile = path.join(directory, "gate.public.pem");
  await refusing(publicKeyFile, () => writeFile(publicKeyFile, key.publicKey.export({ type: "spki", format: "pem" })));
  return key;
}

/** Of several gates that make it at once in one directory, one does, and nobody sees half of it. */
async function makeKey(file: string): Promise<void> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const draft = `${file}.${randomUUID()}`;
  const handle = await open(draft, "wx", 0o600);
  try {
    await handle.writeFile(privateKey.export({ type: "pkcs8", format: "pem" }));
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await link(draft, file);
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST") throw error;
  } finally {
    await rm(draft);
  }
}

function toKey(pem: string, file: string, kid: string | null): GateKey {
  try {
    const privateKey = parsePrivateKey(pem);
    const publicKey = createPublicKey(privateKey);
    const name = kid ?? `gate-${fingerprintOf(publicKey).slice("sha256:".length, "sha256:".length + 16)}`;
    return { kid: name, algorithm: algorithmFor(privateKey), privateKey, publicKey };
  } catch (error) {
    if (error instanceof KeyError) throw new KeyError(`${file}: ${error.message}`, { cause: error });
    throw error;
  }
}

async function readPem(file: string): Promise<string> {
  const pem = await pemOrNull(file);
  if (pem === null) throw new KeyError(`${file}: there is no such file`);
  return pem;
}

async function pemOrNull(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT") return null;
    throw new KeyError(`${file}: cannot be read (${code})`, { cause: error });
  }
}

async function refusing(file: string, write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (cause) {
    throw new PlangateError("unwritable-file", `${file}: cannot be written (${systemErrorCode(cause)})`, { cause });
  }
}
