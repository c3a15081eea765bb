import { sha256Hex } from "./digest.ts";

/**
 * Fifteen digits that two people compare by voice to see that they mean the same request: "48213-90412-77120". They stand for the
 * digest and do not replace it: what is signed is the whole digest.
 */
export function confirmationCode(requestDigest: string): string {
  const hex = sha256Hex(`plangate confirmation code ${requestDigest}`);
  // 24 hex digits are 96 bits: the remainder favours no code noticeably.
  const digits = (BigInt(`0x${hex.slice(0, 24)}`) % 10n ** 15n).toString().padStart(15, "0");
  return [digits.slice(0, 5), digits.slice(5, 10), digits.slice(10)].join("-");
}
