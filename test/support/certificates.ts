import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** X.509 certificates made with node alone (RFC 5280, section 4.1), since a machine need not have openssl. */
export interface Issued {
  /** PEM. */
  certificate: string;
  /** PEM, PKCS #8. */
  key: string;
}

export interface Authority extends Issued {
  /** A certificate that it signs, for 90 days unless said otherwise. */
  issue(wanted: CertificateWish): Issued;
  /** An authority between this one and its certificates. */
  intermediate(name: string): Authority;
}

export interface CertificateWish {
  name: string;
  /** DNS names; absent: none. */
  dnsNames?: readonly string[];
  notBefore?: Date;
  notAfter?: Date;
}

const dayMs = 24 * 3_600_000;

/** A CA that trusts itself. */
export function newAuthority(name: string): Authority {
  const keys = newKeys();
  return authorityOf(name, keys, { name, keys });
}

interface Signer {
  name: string;
  keys: KeyPair;
}
type KeyPair = ReturnType<typeof newKeys>;
const newKeys = () => generateKeyPairSync("ec", { namedCurve: "prime256v1" });

function authorityOf(name: string, keys: KeyPair, signer: Signer): Authority {
  const self = { name, keys };
  return {
    certificate: certificate(signer, { name }, keys.publicKey, true),
    key: pem("PRIVATE KEY", keys.privateKey.export({ type: "pkcs8", format: "der" })),
    issue(wanted) {
      const own = newKeys();
      return {
        certificate: certificate(self, wanted, own.publicKey, false),
        key: pem("PRIVATE KEY", own.privateKey.export({ type: "pkcs8", format: "der" })),
      };
    },
    intermediate: (intermediateName) => authorityOf(intermediateName, newKeys(), self),
  };
}

function certificate(signer: Signer, wanted: CertificateWish, subjectKey: KeyObject, isAuthority: boolean): string {
  const { name, dnsNames = [], notBefore = new Date(Date.now() - dayMs) } = wanted;
  const { notAfter = new Date(Date.now() + 90 * dayMs) } = wanted;
  const toBeSigned = sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ecdsaWithSha256,
    distinguishedName(signer.name),
    sequence(time(notBefore), time(notAfter)),
    distinguishedName(name),
    subjectKey.export({ type: "spki", format: "der" }),
    tagged(3, sequence(...extensions(signer.keys.publicKey, subjectKey, dnsNames, isAuthority))),
  );
  const signature = sign("sha256", toBeSigned, signer.keys.privateKey);
  return pem("CERTIFICATE", sequence(toBeSigned, ecdsaWithSha256, bitString(signature)));
}

function extensions(
  signerKey: KeyObject,
  subjectKey: KeyObject,
  dnsNames: readonly string[],
  isAuthority: boolean,
): Buffer[] {
  const basicConstraints = sequence(...(isAuthority ? [boolean(true)] : []));
  const extended = [
    extension("2.5.29.19", true, basicConstraints),
    extension("2.5.29.14", false, der(0x04, keyIdentifier(subjectKey))),
    extension("2.5.29.35", false, sequence(der(0x80, keyIdentifier(signerKey)))),
  ];
  // keyCertSign and cRLSign, or digitalSignature (section 4.2.1.3).
  const keyUsage = Buffer.from(isAuthority ? [0x03, 0x02, 0x01, 0x06] : [0x03, 0x02, 0x07, 0x80]);
  extended.push(extension("2.5.29.15", true, keyUsage));
  if (dnsNames.length > 0) {
    const names = dnsNames.map((dnsName) => der(0x82, Buffer.from(dnsName, "ascii")));
    extended.push(extension("2.5.29.17", false, sequence(...names)));
  }
  return extended;
}

const keyIdentifier = (key: KeyObject) =>
  createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest()
    .subarray(0, 20);

const extension = (oid: string, critical: boolean, value: Buffer) =>
  sequence(objectIdentifier(oid), ...(critical ? [boolean(true)] : []), der(0x04, value));

function distinguishedName(commonName: string): Buffer {
  return sequence(der(0x31, sequence(objectIdentifier("2.5.4.3"), der(0x0c, Buffer.from(commonName, "utf8")))));
}

/** DER (X.690): tag, length, content. */
function der(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  return length < 0x100 ? Buffer.from([0x81, length]) : Buffer.from([0x82, length >> 8, length & 0xff]);
}

const sequence = (...parts: Buffer[]) => der(0x30, Buffer.concat(parts));
const tagged = (number: number, content: Buffer) => der(0xa0 + number, content);
const integer = (bytes: Buffer) => der(0x02, bytes);
const boolean = (value: boolean) => der(0x01, Buffer.from([value ? 0xff : 0]));
const bitString = (bytes: Buffer) => der(0x03, Buffer.concat([Buffer.from([0]), bytes]));

/** GeneralizedTime is for years from 2050 on (section 4.1.2.5). */
function time(at: Date): Buffer {
  const digits = at.toISOString().replaceAll(/[-:T]/g, "").slice(0, 14);
  const isLate = at.getUTCFullYear() >= 2050;
  return der(isLate ? 0x18 : 0x17, Buffer.from(`${isLate ? digits : digits.slice(2)}Z`, "ascii"));
}

function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...others] = dotted.split(".").map(Number);
  return der(0x06, Buffer.from([first * 40 + second, ...others.flatMap(base128)]));
}

function base128(value: number): number[] {
  const groups = [value & 0x7f];
  for (let rest = value >> 7; rest > 0; rest >>= 7) groups.unshift((rest & 0x7f) | 0x80);
  return groups;
}

const ecdsaWithSha256 = sequence(objectIdentifier("1.2.840.10045.4.3.2"));

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
