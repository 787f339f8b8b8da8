/** The version in package.json, by which the bundler replaces this name. */
declare const SIGTOOL_VERSION: string;

export const VERSION = SIGTOOL_VERSION;
