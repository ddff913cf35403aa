import { Args } from '@oclif/core'
import { jsonFlag, loadLibrary, VoboxCommand } from './shared/vobox-command.js'

export default class Config extends VoboxCommand {
  static override summary = 'Shows every setting that counts, and where it comes from'
  static override description =
    'Prints the effective settings in the form of the configuration file, each with its origin: ' +
    'default, file and line, or environment variable. With names of settings or of tables behind ' +
    'it, those alone. The init script and cron read /etc/profile.d/grid-env.sh and ' +
    '/etc/ADMIN-box-proxyrenewal before they start the service; commands do not. Where such a file ' +
    'sets something that this shell does not have, a comment says so.'
  static override examples = [
    { description: 'everything', command: '<%= config.bin %> config' },
    { description: 'a table and a setting', command: '<%= config.bin %> config mail keys.pool' },
    {
      description: 'a configuration before it is put in place',
      command: '<%= config.bin %> config --config new.toml',
    },
  ]
  static override strict = false
  static override args = {
    name: Args.string({ description: 'a setting, such as keys.pool, or a table, such as mail' }),
  }
  static override flags = { ...jsonFlag }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Config)
    const { encodeConfig, explainConfiguration, showConfig } = await loadLibrary()
    const explained = await explainConfiguration({
      configFile: flags.config,
      environment: process.env,
      names: argv.map(String),
    })
    this.print(flags.json ? encodeConfig(explained) : showConfig(explained))
  }
}
