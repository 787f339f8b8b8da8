/** The directory in which a launcher is installed if nobody names another. */
export const INSTALLED_PREFIX = "/usr/lib/sigtool";
