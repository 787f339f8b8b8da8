/** The bundler replaces these names with the version in package.json, and with the home page in release.json. */
declare const SIGTOOL_VERSION: string;
declare const SIGTOOL_HOMEPAGE: string | null;

export const VERSION = SIGTOOL_VERSION;
/** Null as long as the project is not published. */
export const HOMEPAGE = SIGTOOL_HOMEPAGE;
