import { selectionFlags, VoboxCommand } from './shared/vobox-command.js'

export default class QueryProxyFilename extends VoboxCommand {
  static override summary = 'Prints the full path of a proxy file'
  static override examples = [
    {
      description: 'the file of one identity',
      command: '<%= config.bin %> --vo alice --dn /DC=ch/CN=alice query-proxy-filename',
    },
  ]
  static override flags = selectionFlags

  async run(): Promise<void> {
    const { flags } = await this.parse(QueryProxyFilename)
    await this.printAnswer('query-proxy-filename', flags)
  }
}
