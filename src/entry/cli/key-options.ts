import type { KeyObject } from "node:crypto";
import { KeyError, keyId } from "../../adapters/evidence-signature/keys.ts";
import { readTextFile } from "../../adapters/input-files.ts";
import type { CommandIo } from "./io.ts";
import { parser } from "./options.ts";

export const keyIdOption = parser(keyId);

/** A key from a PEM file. What is wrong with it is said of the file. */
export async function readKeyFile(file: string, parse: (pem: string) => KeyObject, io: CommandIo): Promise<KeyObject> {
  const pem = await readTextFile(file, io.cwd);
  return aboutFile(file, () => parse(pem));
}

export function aboutFile<T>(file: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (error instanceof KeyError) throw new KeyError(`${file}: ${error.message}`, { cause: error });
    throw error;
  }
}
