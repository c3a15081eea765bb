import { createPublicKey, generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { PlangateError } from "../core/errors.ts";
import {
  algorithmFor,
  fingerprintOf,
  KeyError,
  parsePrivateKey,
  parsePublicKey,
  type SignatureAlgorithm,
} from "./evidence-signature/keys.ts";
import { systemErrorCode } from "./input-files.ts";

/** A key that the gate's signatures are verified with. */
export interface PublicGateKey {
  kid: string;
  algorithm: SignatureAlgorithm;
  publicKey: KeyObject;
}

/** The key that the gate signs with. */
export interface GateKey extends PublicGateKey {
  privateKey: KeyObject;
}

/** The one that signs first; the others only verify what was, or will be, signed with them. */
export type GateKeys = readonly [GateKey, ...PublicGateKey[]];

/** `publicKeyFile` alone: it only verifies. */
export type GateKeyConfig = { kid: string } & ({ privateKeyFile: string } | { publicKeyFile: string });

/**
 * The gate's keys, the one that signs first. None configured: the gate's own, keys/gate.private.pem in its data directory, which is made where
 * it is missing (readable by its owner alone), with gate.public.pem beside it. Throws KeyError and PlangateError `unwritable-file`.
 */
export async function loadGateKeys(configured: readonly GateKeyConfig[], dataDirectory: string): Promise<GateKeys> {
  const [first, ...others] = configured;
  if (first === undefined) return [await ownKey(path.join(dataDirectory, "keys"))];
  if (!("privateKeyFile" in first))
    throw new KeyError(`${first.publicKeyFile}: the first key signs, and this one cannot`);
  const signing = toKey(await readPem(first.privateKeyFile), first.privateKeyFile, first.kid);
  const keys: GateKeys = [signing, ...(await Promise.all(others.map(verifyingKey)))];
  requireDistinct(keys);
  return keys;
}

async function verifyingKey(config: GateKeyConfig): Promise<PublicGateKey> {
  if ("privateKeyFile" in config) {
    const { privateKey: _, ...key } = toKey(await readPem(config.privateKeyFile), config.privateKeyFile, config.kid);
    return key;
  }
  const { kid, publicKeyFile } = config;
  const pem = await readPem(publicKeyFile);
  return about(publicKeyFile, () => {
    const publicKey = parsePublicKey(pem);
    return { kid, algorithm: algorithmFor(publicKey), publicKey };
  });
}

/** Under two names, a key that is taken out would go on counting. */
function requireDistinct(keys: readonly PublicGateKey[]): void {
  const kids = new Map<string, string>();
  for (const { kid, publicKey } of keys) {
    const twin = kids.get(fingerprintOf(publicKey));
    if (twin !== undefined) throw new KeyError(`the key ${kid} is the same key as ${twin}; list it once`);
    kids.set(fingerprintOf(publicKey), kid);
  }
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
  return about(file, () => {
    const privateKey = parsePrivateKey(pem);
    const publicKey = createPublicKey(privateKey);
    const name = kid ?? `gate-${fingerprintOf(publicKey).slice("sha256:".length, "sha256:".length + 16)}`;
    return { kid: name, algorithm: algorithmFor(privateKey), privateKey, publicKey };
  });
}

function about<Key>(file: string, read: () => Key): Key {
  try {
    return read();
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
