/** Makes `import text from "./file.sql"` give the file's text under jest, as the bundler's text loader does in dist. */
module.exports = {
  process: (source) => ({ code: `module.exports = { __esModule: true, default: ${JSON.stringify(source)} };` }),
};
