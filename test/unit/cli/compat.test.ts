/** The options of other tools, table by table. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../../commands/index.js'
import { COMPAT_NAMES, compatToolOf } from '../../../src/node/cli/compat/compat.js'
import { translate, usageOf } from '../../../src/node/cli/compat/translate.js'
import { parseCommandLine } from '../../../src/node/cli/launcher.js'
import { topicCommands } from '../../../src/node/cli/topic-commands.js'
import { parseTopicLine } from '../../../src/node/cli/topic-line.js'
import { failureOf } from '../../support/failure.js'

function toolOf(name: string) {
  const tool = compatToolOf([name])
  if (tool === undefined) throw new TypeError(`${name} is a tool`)
  return tool
}

const wordsOf = (line: string) => {
  const [name = '', ...words] = line.split(' ')
  return translate(toolOf(name), words)
}

const HOME = join(import.meta.dirname, '..', '..', '..')

describe('translate', () => {
  it.each([
    ['voms-proxy-init', 'proxy-init'],
    ['voms-proxy-init -voms alice', 'proxy-init --voms=alice'],
    [
      'voms-proxy-init --voms alice:/alice/Role=lcgadmin --voms=alice:/alice/team -valid 24:00',
      'proxy-init --voms=alice:/alice/Role=lcgadmin --voms=alice:/alice/team --valid=24:00',
    ],
    ['voms-proxy-init -voms alice:/Role=lcgadmin', 'proxy-init --voms=alice:/alice/Role=lcgadmin'],
    ['voms-proxy-init -voms alice:all', 'proxy-init --voms=alice'],
    [
      'voms-proxy-init -q -noregen -rfc -out /tmp/p -cert c.pem -key k.pem',
      'proxy-init --quiet --noregen --rfc --out=/tmp/p --cert=c.pem --key=k.pem',
    ],
    [
      'voms-proxy-init -n -r -k k.pem -b 4096',
      'proxy-init --noregen --rfc --key=k.pem --bits=4096',
    ],
    ['voms-proxy-init -bits 1024', 'proxy-init'],
    ['voms-proxy-init -bits 0', 'proxy-init'],
    ['voms-proxy-init -proxyver 4 -globus 44', 'proxy-init --rfc'],
    ['voms-proxy-init -pwstdin -limited -hours 24', 'proxy-init --pwstdin --limited --hours=24'],
    [
      'voms-proxy-init -vomslife 8:00 -timeout 10 -ignorewarn',
      'proxy-init --vomslife=8:00 --timeout=10 --ignorewarn',
    ],
    [
      'voms-proxy-init -order /alice/team -target a.example.org -target b.example.org',
      'proxy-init --order=/alice/team --target=a.example.org --target=b.example.org',
    ],
    [
      'voms-proxy-init -userconf /etc/vomses -vomsdir /v -certdir /c -dont-verify-ac',
      'proxy-init --vomses=/etc/vomses --vomsdir=/v --certdir=/c --no-verify',
    ],
    ['voms-proxy-init --path_length 2 --verify', 'proxy-init --path-length=2 --verify'],
    ['voms-proxy-init -noreg', 'proxy-init --noregen'],
    ['voms-proxy-init -enable_legacy_protocol -skip_hostname_checks', 'proxy-init'],
    [
      'grid-proxy-init -q -pwstdin -independent -valid 0:30',
      'proxy-init --quiet --pwstdin --independent --valid=0:30',
    ],
    ['grid-proxy-init -bits 512 -rfc -verify -debug', 'proxy-init --rfc --verify --debug'],
    ['voms-proxy-info', 'info --all'],
    ['voms-proxy-info -file /tmp/p', 'info --file=/tmp/p --all'],
    ['voms-proxy-info -all', 'info --all'],
    ['voms-proxy-info -timeleft', 'info --timeleft'],
    ['voms-proxy-info --actimeleft --acsubject', 'info --actimeleft --acsubject'],
    ['voms-proxy-info -vo -fqan -uri', 'info --vo-name --fqan --uri'],
    ['voms-proxy-info -exists -valid 12:00 -bits 1024', 'info --exists --valid=12:00 --bits=1024'],
    ['voms-proxy-info -e -b 2048', 'info --exists --bits=2048'],
    ['voms-proxy-info -acexists alice -dont-verify-ac', 'info --acexists=alice --no-verify'],
    ['voms-proxy-info -chain -text -debug', 'info --chain --text'],
    ['voms-proxy-info -keyusage -serial -acissuer', 'info --keyusage --serial --acissuer'],
    ['grid-proxy-info', 'info --all'],
    ['grid-proxy-info -f /tmp/p -s', 'info --file=/tmp/p --subject'],
    ['grid-proxy-info -e -h 12', 'info --exists --hours=12'],
    ['grid-proxy-info -exists -v 1:30 -b 2048', 'info --exists --valid=1:30 --bits=2048'],
    ['myproxy-replicate', 'myproxy-server replicate'],
    [
      'myproxy-replicate -r /srv/store -c /etc/server.config -v -d',
      'myproxy-server replicate --storage=/srv/store --config=/etc/server.config --verbose --verbose',
    ],
    [
      'myproxy-replicate -storage=/srv/store --config /etc/server.config -verbose --debug',
      'myproxy-server replicate --storage=/srv/store --config=/etc/server.config --verbose --verbose',
    ],
    ['myproxy-replicate --syslog', 'myproxy-server replicate --syslog'],
    ['grid-proxy-info -identity -type -path -strength', 'info --identity --type --path --strength'],
  ])('%s is our %s', (line, ours) => {
    expect(wordsOf(line)).toEqual({ words: ours.split(' ') })
  })

  it.each([
    ['voms-proxy-init -help', 'help'],
    ['voms-proxy-init --usage', 'help'],
    ['grid-proxy-info -version', 'version'],
    ['myproxy-replicate -u', 'help'],
    ['myproxy-replicate -h', 'help'],
  ])('%s asks for %s', (line, asksFor) => {
    expect(wordsOf(line)).toEqual({ asksFor })
  })

  it.each([
    ['voms-proxy-init -bogus', 'there is no option -bogus'],
    ['voms-proxy-init -voms', 'option -voms needs a value'],
    ['voms-proxy-init -limited=yes', 'option -limited takes no value'],
    ['voms-proxy-init alice', "there is no use for 'alice'"],
    ['voms-proxy-init -', "there is no use for '-'"],
    ['voms-proxy-init -vomss x', 'there is no option -vomss'],
    ['voms-proxy-init -p 1', '-p could be -pwstdin, -path-length, -policy, -pl, -proxyver'],
    ['voms-proxy-init -old', '-old: proxies of this kind are refused'],
    ['voms-proxy-init -proxyver 3', '-proxyver 3: proxies of this kind are refused'],
    ['voms-proxy-init -bits x', "-bits: 'x' is no size of a key"],
    ['voms-proxy-init -list', '-list: attributes are not listed'],
    ['voms-proxy-init -includeac ac.der', '-includeac ac.der: attributes come from servers alone'],
    ['voms-proxy-init -conf f', '-conf f: options are read from the command line alone'],
    ['grid-proxy-init -draft', '-draft: proxies of this kind are refused'],
    ['grid-proxy-init -voms alice', 'there is no option -voms'],
    ['grid-proxy-init -policy p', '-policy p: proxies with policies'],
    ['grid-proxy-info -fqan', 'there is no option -fqan'],
    ['grid-proxy-info -rfc2253', '-rfc2253: names are shown'],
    ['voms-proxy-info -timeleft=1', 'option -timeleft takes no value'],
  ])('refuses %s', (line, message) => {
    const failure = failureOf(() => wordsOf(line))
    expect(failure.code).toBe('USAGE')
    expect(failure.message.startsWith(message)).toBe(true)
    expect(failure.hint).toContain(line.split(' ')[0])
  })

  it('says with an unknown option what was meant, and what there is', () => {
    const failure = failureOf(() => wordsOf('voms-proxy-init -vosm alice'))
    expect(failure.hint).toMatch(/^did you mean -voms\?\nusage: voms-proxy-init \[options\]\n/)
    expect(failure.hint).toContain('-noregen')
  })
})

describe('glite-proxy-renew', () => {
  it.each([
    [
      'glite-proxy-renew -s px.example.org:7513 -f /jobs/1.pem -j job-1 start',
      'job register --server=px.example.org:7513 --file=/jobs/1.pem --jobid=job-1 --terse',
    ],
    [
      'glite-proxy-renew start -spx.example.org -p 7512 -f1.pem -jjob-1',
      'job register --server=px.example.org --file=1.pem --jobid=job-1 --terse',
    ],
    ['glite-proxy-renew -j job-1 stop', 'job unregister --jobid=job-1 --terse'],
    [
      'glite-proxy-renew -j job-1 -f /vo/job_repository/job-0 stop',
      'job unregister --jobid=job-1 --file=/vo/job_repository/job-0 --terse',
    ],
    ['glite-proxy-renew -s px -f 1.pem -j job-1 get', 'job get --jobid=job-1 --terse'],
  ])('%s', (line, ours) => {
    expect(wordsOf(line)).toEqual({ words: ours.split(' ') })
  })

  it.each([
    ['glite-proxy-renew -j job-1', 'what is to be done: start, stop, get?'],
    ['glite-proxy-renew -j job-1 constructor', 'what is to be done: start, stop, get?'],
    ['glite-proxy-renew -j job-1 stop now', "there is no use for 'now'"],
  ])('refuses %s', (line, message) => {
    const failure = failureOf(() => wordsOf(line))
    expect([failure.code, failure.message]).toEqual(['USAGE', message])
  })

  it('shows its words in its usage', () => {
    expect(usageOf(toolOf('glite-proxy-renew'))).toMatch(
      /^usage: glite-proxy-renew \[options\] start\|stop\|get\nThis is vobox-proxy job with /,
    )
  })
})

describe('the tables', () => {
  const commandOf = (name: string) =>
    COMMANDS[toolOf(name).command.replace(' ', ':') as keyof typeof COMMANDS]

  it.each(COMPAT_NAMES)(
    '%s translates each of its options into one that our command has',
    (name) => {
      const tool = toolOf(name)
      const command = commandOf(name)
      const known = new Set([
        ...Object.keys(command.flags),
        ...Object.keys(command.baseFlags),
        'version',
      ])
      for (const option of tool.options) {
        const sample =
          option.names[0] === 'bits' ? '4096' : option.names[0] === 'proxyver' ? '4' : 'x'
        if (option.help.startsWith('not here')) continue
        const words = [...tool.command.split(' '), ...option.words(sample)]
        const line = parseTopicLine(words, topicCommands(COMMANDS)) ?? parseCommandLine(words)
        for (const ours of line.options.keys()) expect([...known], option.names[0]).toContain(ours)
      }
    },
  )

  it.each(COMPAT_NAMES)('%s has each name once, and shows all in its usage', (name) => {
    const tool = toolOf(name)
    const names = tool.options.flatMap((option) => option.names)
    expect(new Set(names).size).toBe(names.length)
    for (const one of names) expect(usageOf(tool)).toContain(`-${one}`)
    const lines = usageOf(tool).split('\n')
    expect(lines.filter((text) => text.length > 80)).toEqual([])
  })

  it('has one launcher in compat/ for each tool, executable, that puts its name first', () => {
    const directory = join(HOME, 'compat')
    // The server is a program of its own, whose name its launcher says.
    const server = readFileSync(join(directory, 'myproxy-server'), 'utf8')
    expect(server).toMatch(/^program=myproxy-server$/m)
    expect(statSync(join(directory, 'myproxy-server')).mode & 0o111).toBe(0o111)
    expect(readdirSync(directory).sort()).toEqual([...COMPAT_NAMES, 'myproxy-server'].sort())
    for (const name of COMPAT_NAMES) {
      expect(statSync(join(directory, name)).mode & 0o111).toBe(0o111)
      expect(readFileSync(join(directory, name), 'utf8')).toContain(`set -- ${name} "$@"`)
    }
  })
})
