/** Prints the packages that were loaded from node_modules, as JSON, when the process ends. */
process.on("exit", () => {
  const packages = Object.keys(require.cache).map((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]);
  process.stderr.write(JSON.stringify([...new Set(packages.filter(Boolean))]));
});
