/** The bundler replaces this name by the version in package.json. */
declare const SIGTOOL_VERSION: string;

export const VERSION = SIGTOOL_VERSION;
