# A Chromium that can be driven. Sourced by script/test-dashboard and script/update-tour, after script/prerequisites.sh.

# The version that npm brings where the system has none, and what it needs of the system.
NPM_CHROMIUM=@sparticuz/chromium@131.0.1
NPM_CHROMIUM_NEEDS='libnss3 libnspr4 libfontconfig1 libexpat1'

# Whether a program is a browser that runs; Ubuntu's is a word about snaps.
runs() {
  [ -n "$1" ] && "$1" --version 2>/dev/null | grep -qE '^(Chromium|Google Chrome) '
}

# Sets CHROMIUM. The argument is the folder with node_modules.
ensure_chromium() {
  local known
  for known in "${CHROMIUM:-}" "$(command -v chromium || true)" "$(command -v google-chrome || true)"; do
    if runs "$known"; then CHROMIUM=$known; return 0; fi
  done
  # Ubuntu's package is asked first what it is: it would install a snap.
  if ! apt-cache policy chromium 2>/dev/null | grep -q 'Candidate:.*snap' && install_packages chromium && runs chromium; then
    CHROMIUM=$(command -v chromium)
    return 0
  fi
  # shellcheck disable=SC2086  # a list of words
  install_packages $NPM_CHROMIUM_NEEDS || true
  say "Taking Chromium from npm …"
  npm install --prefix "$1" --no-save --no-package-lock --no-audit --no-fund --silent "$NPM_CHROMIUM" || true
  CHROMIUM=$(cd "$1" && node -e 'import("@sparticuz/chromium").then(async (one) => console.log(await one.default.executablePath()))' || true)
  runs "$CHROMIUM" || { say 'Install Chromium, and name it by CHROMIUM=/path/to/it.'; exit 1; }
}

# Node's modules in the folder of the argument, fonts, and CHROMIUM.
ensure_browser() {
  ensure_prerequisites
  have npm || install_packages nodejs npm || { say 'Install Node.js (18 or later) with npm.'; exit 1; }
  # Pages are looked at in these letters, whatever else a machine has.
  [ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || install_packages fonts-dejavu-core || say 'Install the fonts DejaVu.'
  if [ ! -d "$1/node_modules" ] || [ "$1/package-lock.json" -nt "$1/node_modules" ]; then
    npm ci --prefix "$1" --no-audit --no-fund --silent
    touch "$1/node_modules"
  fi
  ensure_chromium "$1"
}
