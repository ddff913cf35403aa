import { Flags } from '@oclif/core'
import type { JobView, VoContext } from '../src/index.js'
import { jsonFlag, loadLibrary, selectionFlags, VoboxCommand } from './shared/vobox-command.js'

export default class Query extends VoboxCommand {
  static override summary = 'Shows registrations and how long their proxies live'
  static override description =
    'Prints one block a registration, as scripts expect it. Seconds of the proxy are read from its ' +
    'file at this moment; seconds of the stored credential are what is known of it, 0 of one that ' +
    'the MyProxy server said is gone. Proxies that jobs share come after them in the table and in ' +
    'JSON, and with --jobs in blocks too, each with the number of its jobs.'
  static override examples = [
    { description: 'your own registration', command: '<%= config.bin %> query' },
    {
      description: 'every registration, for people',
      command: '<%= config.bin %> query --dn all --table',
    },
    {
      description: 'those with one role, as JSON',
      command:
        '<%= config.bin %> --vo alice query --dn all --voms alice:/alice/Role=lcgadmin --json',
    },
  ]
  static override flags = {
    ...selectionFlags,
    table: Flags.boolean({
      description:
        'a table for people: time left, next renewal and why, last failure; all of the VO',
      exclusive: ['json'],
    }),
    jobs: Flags.boolean({
      description: 'blocks of job proxies too; the table and JSON have them anyway',
    }),
    ...jsonFlag,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Query)
    if (!flags.json && !flags.table) {
      const read = flags.jobs ? (vo: VoContext) => this.jobsOf(vo) : undefined
      return this.printAnswer('query', flags, read)
    }
    const vo = await this.openVo(flags)
    const { encodeQuery, queryRows, selectWithJobs, showQueryTable } = await loadLibrary()
    const dn = flags.dn ?? (flags.table ? 'all' : undefined)
    const jobs = await this.jobsOf(vo)
    const chosen = await selectWithJobs(vo, jobs, { dn, voms: flags.voms }, process.env)
    if (chosen.length === 0 && flags.table) await this.tellNothing(vo.vo, flags.voms)
    const rows = await queryRows(vo, chosen, jobs)
    this.print(flags.json ? encodeQuery(vo.vo, rows) : showQueryTable(rows))
    await this.tellMailTrouble(vo, chosen)
    await this.tellJobsLeft(vo)
    this.tellWarnings(vo)
  }

  /** That nobody renews what jobs share. One that cannot be looked at is told by `check`. */
  private async tellJobsLeft(vo: VoContext): Promise<void> {
    const { jobsLeft, sayJobsLeft } = await loadLibrary()
    const left = await jobsLeft(vo).catch(() => undefined)
    if (left === undefined) return
    const { reason, cure } = sayJobsLeft(left)
    await this.tellWarning({ message: reason, hint: cure })
  }

  /** A journal that cannot be read hides no registration. */
  private async jobsOf(vo: VoContext): Promise<JobView | undefined> {
    const { jobViewOf, toVoboxError } = await loadLibrary()
    try {
      return await jobViewOf(vo)
    } catch (error) {
      await this.tellWarning(toVoboxError(error))
      return undefined
    }
  }
}
