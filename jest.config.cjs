/** Source is ESM TypeScript; jest runs it as CommonJS through swc. `.sql` files are imported as text. */
module.exports = {
  testEnvironment: "node",
  roots: ["<rootDir>/test"],
  testMatch: ["**/*.test.ts"],
  transform: {
    "\\.sql$": "<rootDir>/scripts/jest-text.cjs",
    "\\.ts$": [
      "@swc/jest",
      {
        jsc: { parser: { syntax: "typescript" }, target: "es2023" },
        module: { type: "commonjs" },
        sourceMaps: "inline",
      },
    ],
  },
  testTimeout: 60_000,
  // Most of a test's time goes by in servers that it has started: two at once on two cores.
  maxWorkers: 2,
};
