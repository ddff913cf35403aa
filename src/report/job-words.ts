/** How job proxies are marked for people. */

/** `1 job`, `12 jobs`. */
export const showJobs = (jobs: number): string => `${jobs} ${jobs === 1 ? 'job' : 'jobs'}`
