/** What the `job` commands take, under the letters of `glite-proxy-renew`. */
import { Flags } from '@oclif/core'

export const jobFlag = {
  jobid: Flags.string({
    char: 'j',
    description: 'id of the job, whatever its workload manager calls it',
    helpValue: 'ID',
    required: true,
  }),
}

/** For scripts that were written for the C client. */
export const terseFlag = {
  terse: Flags.boolean({
    description: 'print, say and end as glite-proxy-renew does',
    exclusive: ['json'],
  }),
}
