type Tree = { [key: string]: unknown };

/**
 * Server-side apply by the one manager who wrote `before`: what it no longer applies goes, what others wrote stays. Lists are replaced
 * whole, which is less than Kubernetes does.
 */
export function applied(live: Tree, before: Tree, now: Tree): Tree {
  const result: Tree = { ...live };
  for (const key of Object.keys(before)) {
    if (!(key in now)) delete result[key];
  }
  for (const [key, value] of Object.entries(now)) {
    const [inner, old] = [result[key], before[key]];
    result[key] = isTree(value) && isTree(inner) ? applied(inner, isTree(old) ? old : {}, value) : value;
  }
  return result;
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
