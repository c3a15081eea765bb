export interface Palette {
  bad(text: string): string;
  good(text: string): string;
  caution(text: string): string;
  strong(text: string): string;
  faint(text: string): string;
}

const sgr = (code: string) => (text: string) => `\u001b[${code}m${text}\u001b[0m`;
const none = (text: string) => text;

/** ANSI colours for a terminal, or none. */
export function palette(colour: boolean): Palette {
  if (!colour) return { bad: none, good: none, caution: none, strong: none, faint: none };
  return { bad: sgr("1;31"), good: sgr("1;32"), caution: sgr("1;33"), strong: sgr("1"), faint: sgr("2") };
}
