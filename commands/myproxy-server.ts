import { Flags } from '@oclif/core'
import { loadLibrary, VoboxCommand } from './shared/vobox-command.js'

export default class MyProxyServer extends VoboxCommand {
  static override summary = 'Runs a MyProxy server'
  static override description =
    'It speaks the protocol of the C server, takes its configuration file, and keeps credentials in its ' +
    'directory: either can go on where the other was. It detaches, and this command ends with 0 once it ' +
    'listens and has written its files; with --debug it stays in the foreground. The certificate of the ' +
    'host is its own, or what X509_USER_CERT and X509_USER_KEY name. SIGHUP has it read everything again, ' +
    'SIGTERM ends it when what runs has finished. In compat/, myproxy-server takes the same options.'
  static override examples = [
    { description: 'with the paths of the C server', command: '<%= config.bin %> myproxy-server' },
    {
      description: 'as a service manager wants it',
      command: '<%= config.bin %> myproxy-server -d -s /srv/myproxy',
    },
    {
      description: 'on a free port of this machine alone, which a file tells',
      command: '<%= config.bin %> myproxy-server -l localhost -p 0 -z port -P pid -c test.config',
    },
  ]
  static override flags = {
    config: Flags.string({
      char: 'c',
      description: 'configuration of the server [default: /etc/myproxy-server.config]',
      helpValue: 'FILE',
    }),
    storage: Flags.string({
      char: 's',
      description: 'directory of the credentials, 0700 [default: /var/lib/myproxy]',
      helpValue: 'DIRECTORY',
    }),
    listen: Flags.string({
      char: 'l',
      description: 'listen on this name or address alone',
      helpValue: 'HOST',
    }),
    port: Flags.string({
      char: 'p',
      description: 'port, 0 for a free one [default: $MYPROXY_SERVER_PORT, or 7512]',
      helpValue: 'PORT',
    }),
    pidfile: Flags.string({
      char: 'P',
      description: 'write the process id there, and remove it at the end',
      helpValue: 'FILE',
    }),
    portfile: Flags.string({ char: 'z', description: 'write the port there', helpValue: 'FILE' }),
    debug: Flags.boolean({
      char: 'd',
      description: 'stay in the foreground, and write the log to standard error',
    }),
    verbose: Flags.boolean({ char: 'v', description: 'log more' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(MyProxyServer)
    const { NOT_LOGGED, serveMyProxy, VoboxError } = await loadLibrary()
    if (flags.vo !== undefined) {
      throw new VoboxError('USAGE', 'myproxy-server has no use for --vo', {
        data: { option: 'vo' },
      })
    }
    const { root: home } = this.config
    const { logged } = await serveMyProxy(flags, { home, environment: process.env })
    if (!logged) this.tell(NOT_LOGGED)
  }
}
