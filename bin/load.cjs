/**
 * First JavaScript of every program: checks the Node version, then runs a bundle from `dist/` with
 * the V8 code cache that the build made for it. Nothing that an old Node does not know comes before
 * the version check.
 */
'use strict'

// Any handler keeps Node from opening its debugger on this signal.
process.on('SIGUSR1', function ignore() {})

var program = process.argv[2]
var version = process.versions.node.split('.').map(Number)
if (version[0] !== 20 || version[1] < 17) {
  process.stderr.write(
    `${program}: Node 20.17 or a later 20 is needed, and ${process.execPath} is ${process.version}\n`,
  )
  process.exit(1)
}

var fs = require('node:fs')
var path = require('node:path')
var vm = require('node:vm')

// The same as `node:module`, without the loader of ES modules that comes with that.
var Module = module.constructor
var home = path.join(__dirname, '..')

/**
 * Compiles a bundle. Its first line names the cache that belongs to it: V8 compares lengths alone,
 * so that a cache under a fixed name could be taken for another build's. A cache of another V8 is
 * rejected, and the bundle compiled as if there were none.
 */
function compile(name) {
  var file = path.join(home, 'dist', `${name}.cjs`)
  var source = readBundle(file)
  var cacheFile = path.join(
    home,
    'dist',
    (/^\/\*cache:([\w.-]+)\*\//.exec(source) || [])[1] || 'none',
  )
  var script = new vm.Script(Module.wrap(source), {
    filename: file,
    cachedData: readIfThere(cacheFile),
  })
  return { script: script, cacheFile: cacheFile, run: run }

  function run() {
    var bundle = new Module(file, null)
    bundle.filename = file
    bundle.paths = Module._nodeModulePaths(path.dirname(file))
    // oclif asks for the bundle by its file name when it looks for commands: it gets this one.
    Module._cache[file] = bundle
    var wrapper = script.runInThisContext()
    var require = Module.createRequire(file)
    wrapper.call(bundle.exports, bundle.exports, require, bundle, file, path.dirname(file))
    bundle.loaded = true
    return bundle.exports
  }
}

function readBundle(file) {
  var source = readIfThere(file)
  // One byte a character: the build writes nothing but ASCII.
  if (source) return source.toString('latin1')
  process.stderr.write(`${program}: ${file} is missing\n  npm run build makes it\n`)
  process.exit(1)
}

function readIfThere(file) {
  try {
    return fs.readFileSync(file)
  } catch (_error) {
    return undefined
  }
}

/** What a bundle exports. */
function load(name) {
  return compile(name).run()
}

module.exports = { compile: compile, load: load, home: home }

// `vobox-proxy` begins with the small bundle, which answers quickly or loads the large one.
if (require.main === module) {
  load(program === 'vobox-proxy' ? 'quick' : program).main(process.argv.slice(3), load, home)
}
