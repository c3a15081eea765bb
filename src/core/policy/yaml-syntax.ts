import type { CST } from "yaml";

const deepestLevel = 200;

interface SyntaxProblem {
  offset: number;
  message: string;
}

/**
 * What is legal YAML but refused here, found in the token tree before anything is built from it: aliases multiply, tags
 * and YAML 1.1 change what plain text means ("09:00" becomes 540), and deep nesting exhausts the stack.
 * `fatal`: nothing more can be learnt from the file.
 */
export function unsafeSyntax(tokens: readonly CST.Token[]): { problems: SyntaxProblem[]; fatal: boolean } {
  const problems: SyntaxProblem[] = [];
  let fatal = false;
  const queue: { token: CST.Token; level: number }[] = tokens.map((token) => ({ token, level: 0 }));
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const { token, level } = next;
    if (level > deepestLevel) {
      const message = `nested more than ${deepestLevel} levels deep`;
      return { problems: [...problems, { offset: token.offset, message }], fatal: true };
    }
    const problem = problemOf(token);
    if (problem !== null) {
      problems.push({ offset: token.offset, message: problem });
      fatal ||= token.type === "directive" || token.type === "alias";
    }
    for (const inner of innerTokens(token)) queue.push({ token: inner, level: level + 1 });
  }
  problems.sort((a, b) => a.offset - b.offset);
  return { problems, fatal };
}

function problemOf(token: CST.Token): string | null {
  switch (token.type) {
    case "directive":
      if (/^%YAML[ \t]+1\.2\s*$/.test(token.source)) return null;
      if (/^%YAML\s/.test(token.source))
        return 'files are YAML 1.2: remove the "%YAML" line (YAML 1.1 turns 09:00 into 540)';
      return 'directives ("%…") are not supported: remove the line';
    case "anchor":
      return 'anchors ("&name") are not supported: write the value out where it is used';
    case "alias":
      return 'aliases ("*name") are not supported: write the value out; text that begins with "*" needs quotes: "*"';
    case "tag":
      return 'tags ("!…") are not supported: remove it';
    default:
      return null;
  }
}

function innerTokens(token: CST.Token): CST.Token[] {
  switch (token.type) {
    case "document":
      return [...token.start, ...(token.value === undefined ? [] : [token.value]), ...(token.end ?? [])];
    case "block-map":
    case "block-seq":
    case "flow-collection":
      return token.items.flatMap((item) => [
        ...item.start,
        ...(item.key == null ? [] : [item.key]),
        ...(item.sep ?? []),
        ...(item.value === undefined ? [] : [item.value]),
      ]);
    case "block-scalar":
      return token.props;
    default:
      return [];
  }
}
