import { loadLibrary, VoboxCommand } from './shared/vobox-command.js'

export default class SuperviseAgents extends VoboxCommand {
  static override summary = "Starts the VO's agents and writes down what they say while they live"
  static override description = 'Used by agents start, which hears on descriptor 3 which ones run.'
  static override hidden = true

  async run(): Promise<void> {
    const { flags } = await this.parse(SuperviseAgents)
    const { superviseAgents } = await loadLibrary()
    await superviseAgents({ vo: flags.vo, configFile: flags.config, environment: process.env })
  }
}
