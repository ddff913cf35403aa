import { loadLibrary, selectionFlags, VoboxCommand } from './shared/vobox-command.js'

export default class QueryProxyTimeleft extends VoboxCommand {
  static override summary = 'Prints how many seconds a proxy has left'
  static override description =
    'With none of --vo, --dn and --voms: of the proxy in $X509_USER_PROXY, registered or not.'
  static override examples = [
    { description: 'your login proxy', command: '<%= config.bin %> query-proxy-timeleft' },
    {
      description: 'a registered proxy',
      command: '<%= config.bin %> --vo alice --dn /DC=ch/CN=alice query-proxy-timeleft',
    },
  ]
  static override flags = selectionFlags

  async run(): Promise<void> {
    const { flags } = await this.parse(QueryProxyTimeleft)
    if ([flags.vo, flags.dn, flags.voms].every((given) => given === undefined)) {
      const { secondsLeftOfLogin } = await loadLibrary()
      return this.print(`${await secondsLeftOfLogin(process.env)}\n`)
    }
    await this.printAnswer('query-proxy-timeleft', flags)
  }
}
