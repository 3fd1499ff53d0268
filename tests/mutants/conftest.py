def pytest_configure(config):
    config.addinivalue_line("markers", "boots: boots a machine for each bug (make nightly)")
    config.addinivalue_line("markers", "nightly: takes too long for make test (make nightly)")
