/** Mail addresses and logins are the same person whatever their case, blanks and characters that nobody sees. */
export function personKey(name: string): string {
  return name
    .normalize("NFKC")
    .replace(/[\p{Default_Ignorable_Code_Point}\p{Cf}\s]/gu, "")
    .toLowerCase();
}
