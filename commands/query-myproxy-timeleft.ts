import { selectionFlags, VoboxCommand } from './shared/vobox-command.js'

export default class QueryMyproxyTimeleft extends VoboxCommand {
  static override summary = 'Prints how many seconds a stored credential has left'
  static override description = 'As far as it is known: 0 when it is not.'
  static override examples = [
    {
      description: 'of one identity',
      command: '<%= config.bin %> --vo alice --dn /DC=ch/CN=alice query-myproxy-timeleft',
    },
  ]
  static override flags = selectionFlags

  async run(): Promise<void> {
    const { flags } = await this.parse(QueryMyproxyTimeleft)
    await this.printAnswer('query-myproxy-timeleft', flags)
  }
}
