import type { KubernetesObject } from "./strict-object.ts";

/**
 * Helm writes its record of a release, a Secret, in Kubernetes' protobuf form: "k8s\0" and a runtime.Unknown with a core/v1 Secret (field
 * numbers of k8s.io/api/core/v1/generated.proto and apimachinery's). Only what such a Secret has is read.
 */
export function readProtobufSecret(bytes: Buffer): KubernetesObject & { type: string; data: Record<string, string> } {
  if (bytes.toString("latin1", 0, 4) !== "k8s\0") throw new Error("The body is neither JSON nor Kubernetes' protobuf");
  const unknown = fields(bytes.subarray(4));
  const [, kind] = [1, 2].map((field) => text(fields(one(unknown, 1)), field));
  if (kind !== "Secret") throw new Error(`A ${kind} in protobuf is not expected`);
  const secret = fields(one(unknown, 2));
  const metadata = fields(one(secret, 1));
  const data = (secret.get(2) ?? []).map((entry): [string, string] => {
    const pair = fields(entry);
    return [text(pair, 1), one(pair, 2).toString("base64")];
  });
  return {
    apiVersion: "v1",
    kind: "Secret",
    type: text(secret, 3),
    metadata: { name: text(metadata, 1), labels: map(metadata, 11) },
    data: Object.fromEntries(data),
  };
}

type Fields = Map<number, Buffer[]>;

function map(message: Fields, field: number): Record<string, string> {
  const entries = (message.get(field) ?? []).map((entry) => {
    const pair = fields(entry);
    return [text(pair, 1), text(pair, 2)];
  });
  return Object.fromEntries(entries);
}

function text(message: Fields, field: number): string {
  return one(message, field).toString("utf8");
}

function one(message: Fields, field: number): Buffer {
  return message.get(field)?.at(-1) ?? Buffer.alloc(0);
}

/** Field → its values that have a length (text, bytes, messages); numbers are passed over. */
function fields(message: Buffer): Fields {
  const found: Fields = new Map();
  let position = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message.readUInt8(position);
      position += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (position < message.length) {
    const tag = varint();
    const [field, wireType] = [Math.floor(tag / 8), tag % 8];
    if (wireType === 0) varint();
    else if (wireType === 2) {
      const length = varint();
      found.set(field, [...(found.get(field) ?? []), message.subarray(position, position + length)]);
      position += length;
    } else throw new Error(`Wire type ${wireType} is not expected`);
  }
  return found;
}
