/**
 * What to do about a proxy that jobs share: nobody logs in and registers it again. Whoever submitted
 * its jobs gives one of them a fresh proxy, and with it all that share the file.
 */
import { quoteShell, voboxCommand } from '../registry/cure-commands.js'
import type { Registration } from '../registry/registration.js'

export type JobCureLine = { say: string } | { run: string }

/**
 * @param gone it has been dropped, or will be in a moment: each job counts, for none is registered any
 *   more.
 */
export function freshJobProxy(
  vo: string,
  { servers }: Pick<Registration, 'servers'>,
  gone: boolean,
): JobCureLine[] {
  const server = quoteShell(servers[0] ?? 'SERVER')
  const register = `${voboxCommand(vo, 'job', 'register', '-s')} ${server} -f FILE -j JOB`
  return [
    {
      say: gone
        ? 'Jobs that still run are registered again, each with a fresh proxy of the same owner, by their workload manager or, on the VO-Box:'
        : 'Its owner hands a fresh proxy to the workload manager, which registers one of its jobs with it, or, on the VO-Box (that job is then to be unregistered once more):',
    },
    { run: register },
    ...(gone
      ? []
      : [
          { say: 'The jobs that share it are listed by:' },
          { run: voboxCommand(vo, 'job', 'list', '--jobs') },
        ]),
  ]
}
