/**
 * First JavaScript of every program: checks the Node version, then runs a bundle from `dist/` with
 * the V8 code cache that the build made for it. Written for any old Node, so that the version check
 * gets its say.
 */
'use strict'

// Any handler keeps Node from opening its debugger on this signal.
process.on('SIGUSR1', function ignore() {})

var fs = require('fs')
var Module = require('module')
var path = require('path')
var vm = require('vm')

var program = process.argv[2]
var version = process.versions.node.split('.').map(Number)
if (version[0] !== 20 || version[1] < 17) {
  process.stderr.write(
    program + ': Node 20.17 or a later 20 is needed, and ' + process.execPath + ' is ' + process.version + '\n',
  )
  process.exit(1)
}

/**
 * Loads a bundle. Its first line names the cache that belongs to it: V8 compares lengths alone, so
 * a cache under a fixed name could be taken for another build's. A cache of another V8 is rejected,
 * and the bundle compiled as if there were none.
 */
function load(name) {
  var file = path.join(__dirname, '..', 'dist', name + '.cjs')
  var source = fs.readFileSync(file, 'latin1')
  var cacheName = /^\/\*cache:([\w.-]+)\*\//.exec(source)
  var cachedData
  try {
    if (cacheName) cachedData = fs.readFileSync(path.join(path.dirname(file), cacheName[1]))
  } catch {
    cachedData = undefined
  }
  var script = new vm.Script(Module.wrap(source), { filename: file, cachedData: cachedData })
  var bundle = new Module(file, null)
  bundle.filename = file
  bundle.paths = Module._nodeModulePaths(path.dirname(file))
  // oclif asks for the bundle by its file name when it looks for commands: it gets this one.
  Module._cache[file] = bundle
  script
    .runInThisContext()
    .call(bundle.exports, bundle.exports, Module.createRequire(file), bundle, file, path.dirname(file))
  bundle.loaded = true
  return bundle.exports
}

if (require.main === module) load(program === 'vobox-proxy' ? 'quick' : program).main(process.argv.slice(3), load)

exports.load = load
