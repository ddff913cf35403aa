import { Flags } from '@oclif/core'
import { jsonFlag, loadLibrary, selectionFlags, VoboxCommand } from './shared/vobox-command.js'

export default class Renew extends VoboxCommand {
  static override summary = 'Renews proxies now instead of waiting for the service'
  static override description =
    'Without options: every registration of the VO that is due, also those that the service leaves ' +
    'alone after a failure. With --force: though it is not due; then --dn or --all says which, and ' +
    'without them it is your own. Says a word for each as it is done, and fails when one failed.'
  static override examples = [
    { description: 'what is due', command: '<%= config.bin %> renew' },
    { description: 'your own proxy, due or not', command: '<%= config.bin %> renew --force' },
    { description: 'everything', command: '<%= config.bin %> --vo alice renew --all --force' },
  ]
  static override flags = {
    ...selectionFlags,
    all: Flags.boolean({ description: 'every registration, as --dn all', exclusive: ['dn'] }),
    force: Flags.boolean({
      description: 'renew what is not due, and take a proxy that lives no longer than the old one',
    }),
    ...jsonFlag,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Renew)
    const library = await loadLibrary()
    const vo = await library.withHooks(await this.openVoForRenewing(flags), process.env)
    const every = flags.all || !flags.force ? 'all' : undefined
    const selection = { dn: flags.dn ?? every, voms: flags.voms }
    const chosen = await library.selectFrom(vo, selection, process.env)
    if (chosen.length === 0 && !flags.json) await this.tellNothing(vo.vo, flags.voms)
    const done = await library.renewNow(vo, chosen, {
      force: flags.force,
      signal: library.interruption(),
      onDone: (one) => {
        if (!flags.json) this.print(library.showRenewal(one, vo.clock.now()))
      },
    })
    await vo.hooksSettled(library.interruption())
    vo.close()
    this.tellWarnings(vo)
    library.interruption().throwIfAborted()
    const failures = done.flatMap((one) => library.failureOfRenewal(one) ?? [])
    const [first] = failures
    if (first !== undefined && done.length === 1) throw first
    if (flags.json) this.print(library.encodeRenewals(vo.vo, done))
    else
      for (const failure of failures)
        process.stderr.write(library.showFailure(this.config.bin, failure))
    if (first !== undefined) process.exitCode = library.exitStatusOf(first.code)
  }
}
