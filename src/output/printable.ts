import { printable } from "../core/policy/document-error.ts";

/**
 * Text from a request (names, paths, descriptions) made safe for a terminal or a log: control characters, escape
 * sequences and invisible or direction-changing characters are shown as `\u{…}` instead of taking effect.
 */
export { printable };

/** As `printable`, with line breaks and tabs as blanks: a message as one paragraph. */
export function paragraph(text: string): string {
  return printable(text.replace(/[\r\n\t]+/g, " ").trim());
}

/** As `printable`, line by line. */
export function printableLines(text: string): string[] {
  return text
    .replace(/\s+$/, "")
    .split(/\r\n|\r|\n/)
    .map((line) => printable(line.replaceAll("\t", "    ")));
}

/** Breaks a paragraph at blanks into lines of at most `width` characters; longer words (paths, digests) stay whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/ +/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** At most `width` characters, with "…" where something was cut. */
export function shorten(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(width - 1, 1)).trimEnd()}…`;
}
