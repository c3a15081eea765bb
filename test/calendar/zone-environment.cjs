const { TestEnvironment } = require("jest-environment-node");

/**
 * Runs a test file with the process in another time zone, which has to be set outside of jest's sandbox:
 *   @jest-environment ./test/calendar/zone-environment.cjs
 *   @jest-environment-options {"timeZone": "America/New_York"}
 */
module.exports = class ZoneEnvironment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    this.timeZone = config.projectConfig.testEnvironmentOptions.timeZone;
  }
  async setup() {
    await super.setup();
    this.before = process.env.TZ;
    process.env.TZ = this.timeZone;
  }
  async teardown() {
    if (this.before === undefined) delete process.env.TZ;
    else process.env.TZ = this.before;
    await super.teardown();
  }
};
