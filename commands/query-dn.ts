import { selectionFlags, VoboxCommand } from './shared/vobox-command.js'

export default class QueryDn extends VoboxCommand {
  static override summary = 'Prints the identity DN of a registration'
  static override examples = [
    {
      description: 'every registered identity',
      command: '<%= config.bin %> --vo alice --dn all query-dn',
    },
  ]
  static override flags = selectionFlags

  async run(): Promise<void> {
    const { flags } = await this.parse(QueryDn)
    await this.printAnswer('query-dn', flags)
  }
}
