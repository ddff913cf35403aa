import { Flags } from '@oclif/core'
import { loadLibrary, VoboxCommand } from './shared/vobox-command.js'

export default class SuperviseAgents extends VoboxCommand {
  static override summary = "Starts the VO's agents and writes down what they say while they live"
  static override description =
    'Used by agents start, which hears on descriptor 3 which ones run; and by the init script, which ' +
    'has systemd keep each agent in a scope of its own.'
  static override hidden = true
  static override flags = {
    list: Flags.boolean({ description: 'print the names of the agents, and start none' }),
    only: Flags.string({ description: 'start this one alone', exclusive: ['list'] }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(SuperviseAgents)
    const library = await loadLibrary()
    const options = { vo: flags.vo, configFile: flags.config, environment: process.env }
    if (flags.list) {
      for (const name of await library.listVoAgents(options)) process.stdout.write(`${name}\n`)
    } else if (flags.only !== undefined) await library.superviseAgent(options, flags.only)
    else await library.superviseAgents(options)
  }
}
