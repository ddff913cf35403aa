/** Which files are shared by jobs; everything that serves both kinds of registration asks by name. */

const FILE_NAME = /^job-[0-9a-f]{32}$/

/** No user proxy of a VO-Box is called so: those begin with `+`, the slash of a DN. */
export const isJobFile = (fileName: string): boolean => FILE_NAME.test(fileName)
