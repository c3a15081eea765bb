/** Fewer bytes can be guessed from one captured message. */
const shortest = 16;

/**
 * A Standard Webhooks secret: `whsec_<base64>`, or any other text as its UTF-8 bytes. A string: what is wrong, as a clause about it;
 * it holds nothing of the secret.
 */
export function parseSecret(text: string): Buffer | string {
  if (text === "") return "is empty";
  if (text.trim() !== text) return "begins or ends with white space; take the line break out";
  const encoded = text.startsWith("whsec_") ? text.slice("whsec_".length) : null;
  const key = encoded === null ? Buffer.from(text, "utf8") : Buffer.from(encoded, "base64");
  if (encoded !== null && withoutPadding(key.toString("base64")) !== withoutPadding(encoded)) {
    return "is not base64 after whsec_";
  }
  if (key.length >= shortest) return key;
  return `is shorter than ${shortest} bytes; make one with: echo "whsec_$(openssl rand -base64 32)"`;
}

function withoutPadding(base64: string): string {
  return base64.replace(/=+$/, "");
}
