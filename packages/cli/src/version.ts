/** Version of the package; the bundler replaces the name by package.json's value. */
declare const SIGTOOL_VERSION: string;

export const VERSION = SIGTOOL_VERSION;
