import { MyProxyCommand } from '../shared/myproxy-command.js'
import { connectionFlags, terseFlag } from '../shared/myproxy-flags.js'
import { bootstrapFlag, quietFlag } from '../shared/myproxy-logon-flags.js'
import { jsonFlag, loadLibrary } from '../shared/vobox-command.js'

export default class MyProxyGetTrustroots extends MyProxyCommand {
  static override summary = 'Installs the CA files of a MyProxy server'
  static override description =
    'They go into $X509_CERT_DIR, or ~/.globus/certificates, for root /etc/grid-security/certificates: a ' +
    'directory of your own that nobody else can write to. Files that are the same stay, and so do ' +
    'revocation lists that are newer here. Every CA that is new is shown with its fingerprint.'
  static override examples = [
    {
      description: 'keep them up to date',
      command: '<%= config.bin %> myproxy get-trustroots -q -s myproxy.example.org',
    },
    {
      description: 'on a machine that knows no CA yet',
      command: '<%= config.bin %> myproxy get-trustroots -b -s myproxy.example.org',
    },
  ]
  static override flags = {
    ...connectionFlags,
    ...bootstrapFlag,
    ...quietFlag,
    ...terseFlag,
    ...jsonFlag,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(MyProxyGetTrustroots)
    await this.refuseVo(flags)
    const library = await loadLibrary()
    const got = await library.fetchTrustRoots({
      open: () => this.openMyProxy(flags),
      environment: process.env,
      bootstrap: flags.bootstrap,
    })
    if (flags.json) this.print(library.encodeTrustRoots(got))
    else if (!flags.quiet) this.print(library.showTrustRoots(got, flags.terse))
    if (flags.quiet || flags.json) return
    for (const warning of library.warningsOfTrustRoots(got)) await this.tellWarning(warning)
  }
}
