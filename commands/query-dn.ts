import { loadLibrary, selectionFlags, VoboxCommand } from './shared/vobox-command.js'

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
    const vo = await this.openVo(flags)
    const { answerFor, selectFrom } = await loadLibrary()
    const chosen = await selectFrom(vo, flags, process.env)
    this.print((await answerFor(vo, 'query-dn', chosen)).text)
    this.tellWarnings(vo)
  }
}
