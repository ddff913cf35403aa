import { Args } from '@oclif/core'
import { jsonFlag, loadLibrary, VoboxCommand } from './shared/vobox-command.js'

export default class Agents extends VoboxCommand {
  static override summary = "Starts or stops the VO's agents"
  static override description =
    'start runs every executable in start/ of the VO directory as NAME start and leaves it running; ' +
    'stop runs every one in stop/ as NAME stop, all at once, and ends those that take too long. Both ' +
    'do it as the VO admin; log/agents.log has what they said. The init script calls it.'
  static override examples = [
    { description: 'as at boot', command: '<%= config.bin %> --vo alice agents start' },
    { description: 'as at shutdown', command: '<%= config.bin %> --vo alice agents stop' },
  ]
  static override args = {
    action: Args.string({
      description: 'start or stop',
      options: ['start', 'stop'],
      required: true,
    }),
  }
  static override flags = { ...jsonFlag }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Agents)
    const library = await loadLibrary()
    const { vo, config: configFile } = flags
    const signal = library.interruption()
    const options = { vo, configFile, environment: process.env, signal }
    const done =
      args.action === 'start'
        ? await library.startVoAgents(options, [
            process.execPath,
            process.argv[1] ?? '',
            'vobox-proxy',
            'supervise-agents',
          ])
        : await library.stopVoAgents(options)
    this.print(flags.json ? library.encodeAgents(done) : library.showAgents(done))
    signal.throwIfAborted()
    const failure = library.failureOfAgents(done)
    if (failure === undefined) return
    if (!flags.json) process.stderr.write(library.showFailure(this.config.bin, failure))
    process.exitCode = library.exitStatusOf(failure.code)
  }
}
