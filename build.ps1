#!/usr/bin/env pwsh
# The same verbs as ambient.sh, for those who live in PowerShell. The mesh needs Linux: elsewhere only building and unit
# tests are on offer.
$ErrorActionPreference = 'Stop'
if ($IsLinux) { & bash "$PSScriptRoot/ambient.sh" @args; exit $LASTEXITCODE }

$verb = if ($args.Count -gt 0) { $args[0] } else { 'build' }
$rest = @($args | Select-Object -Skip 1)
if (-not (Get-Command dotnet -ErrorAction SilentlyContinue)) { Write-Error 'The .NET 10 SDK is missing.'; exit 2 }
switch ($verb) {
    'build' { dotnet build "$PSScriptRoot/ambient.sln" -c Release -v q -nologo; exit $LASTEXITCODE }
    'ctl'   { dotnet run --project "$PSScriptRoot/Cli" -c Release -- @rest; exit $LASTEXITCODE }
    'test'  {
        if ($rest.Count -gt 0 -and $rest[0] -eq 'unit') { $rest = @($rest | Select-Object -Skip 1) }
        elseif ($rest.Count -gt 0) { Write-Error "'test $($rest[0])' needs Linux. There is: test unit"; exit 2 }
        dotnet run --project "$PSScriptRoot/tests/Unit" -c Release -- @rest; exit $LASTEXITCODE
    }
    default { Write-Error "'$verb' needs Linux. There are: build, test unit, ctl"; exit 2 }
}
