/** Stops with one sentence when this Node cannot run the project; plain JavaScript, so that an old Node can read it. */
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Lineside needs Node.js 22.18 or newer, and this is ${process.versions.node}. On Linux "npm ci" brings Node 24 with it; elsewhere install Node 24.`,
  );
  process.exit(1);
}
