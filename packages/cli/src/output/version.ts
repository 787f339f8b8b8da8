/** The bundler replaces this name with the version in package.json. */
declare const SIGTOOL_VERSION: string;

export const VERSION = SIGTOOL_VERSION;
