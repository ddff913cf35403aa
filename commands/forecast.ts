import { Flags } from '@oclif/core'
import { hostFlags } from './shared/host-flags.js'
import { wholeNumberOf } from './shared/values.js'
import { jsonFlag, loadLibrary, VoboxCommand } from './shared/vobox-command.js'

export default class Forecast extends VoboxCommand {
  static override summary = 'Lists what will end, by date, and what to do about each'
  static override description =
    'User certificates, stored credentials, host certificate, CAs; and, apart from these, what renews ' +
    'itself while the service, cron and fetch-crl run: proxies, VOMS attributes, CRLs. Files and what ' +
    'is remembered tell it; no server is asked.'
  static override examples = [
    { description: 'the next quarter', command: '<%= config.bin %> --vo alice forecast' },
    {
      description: 'a year, as a calendar',
      command: '<%= config.bin %> --vo alice forecast --days 365 --ics - > proxies.ics',
    },
  ]
  static override flags = {
    days: Flags.string({ description: 'how far to look [default: 90]', helpValue: 'N' }),
    ics: Flags.string({
      description: 'write a calendar (RFC 5545) of what people must see to; - for standard output',
      helpValue: 'FILE',
      exclusive: ['json'],
    }),
    ...hostFlags,
    ...jsonFlag,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Forecast)
    const library = await loadLibrary()
    const report = await library.forecastVo({
      vo: flags.vo,
      configFile: flags.config,
      environment: process.env,
      days: await wholeNumberOf('days', flags.days),
      certificateFile: flags.cert,
      keyFile: flags.key,
      signal: library.interruption(),
    })
    if (flags.json) return this.print(library.encodeForecast(report))
    if (flags.ics === undefined) return this.print(library.showForecast(report))
    const calendar = library.calendarOf(report)
    if (flags.ics === '-') return this.print(calendar)
    await library.writeCalendar(flags.ics, calendar)
  }
}
